// Prints one finding a line for the files named on the command line, by GitHub's own language service.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { validate } from "@actions/languageservice";
import { validateAction } from "@actions/languageservice/validate-action";
import { TextDocument } from "vscode-languageserver-textdocument";

const SEVERITY = { 1: "error", 2: "warning" };

for (const path of process.argv.slice(2)) {
  const document = TextDocument.create(pathToFileURL(path).href, "yaml", 1, readFileSync(path, "utf8"));
  const isAction = /^action\.ya?ml$/.test(basename(path));
  const found = await (isAction ? validateAction(document) : validate(document));
  for (const { severity, range, message } of found) {
    // A parse error comes without a severity.
    const level = severity === undefined ? "error" : SEVERITY[severity];
    if (level) console.log(`${path}:${range.start.line + 1}: ${level}: ${message.replaceAll("\n", " ")}`);
  }
  console.error(`validated ${path}`);
}
