import { statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import client from "@actions/artifact";
import * as core from "@actions/core";
import * as glob from "@actions/glob";

const name = core.getInput("name") || "artifact";

function folderOfAll(paths) {
  let folder = paths[0];
  while (paths.some((path) => relative(folder, path).startsWith(".."))) folder = dirname(folder);
  return folder;
}

async function find() {
  const globber = await glob.create(core.getInput("path", { required: true }), {
    followSymbolicLinks: true,
    implicitDescendants: true,
    omitBrokenSymbolicLinks: true,
    excludeHiddenFiles: !core.getBooleanInput("include-hidden-files"),
  });
  const files = (await globber.glob()).filter((path) => !statSync(path).isDirectory());
  const searched = globber.getSearchPaths();
  const oneFile = searched.length === 1 && files.length === 1 && files[0] === searched[0];
  return { files, root: oneFile ? dirname(files[0]) : folderOfAll(searched) };
}

async function upload() {
  const { files, root } = await find();
  if (files.length === 0) {
    const report = { error: core.setFailed, warn: core.warning, ignore: core.info }[core.getInput("if-no-files-found")];
    return report(`No files were found with the provided path: ${core.getInput("path")}. No artifacts will be uploaded.`);
  }
  for (const file of files) core.info(`file ${relative(root, file)}`);
  if (core.getBooleanInput("overwrite")) await client.deleteArtifact(name).catch((error) => core.info(String(error)));
  const { id, size, digest } = await client.uploadArtifact(name, files, root, {
    retentionDays: Number(core.getInput("retention-days")) || undefined,
    compressionLevel: Number(core.getInput("compression-level")),
  });
  core.info(`uploaded ${name}: ${files.length} files, ${size} bytes`);
  core.setOutput("artifact-id", id);
  core.setOutput("artifact-digest", digest);
  const run = join(process.env.GITHUB_REPOSITORY, "actions/runs", process.env.GITHUB_RUN_ID);
  core.setOutput("artifact-url", `${process.env.GITHUB_SERVER_URL}/${run}/artifacts/${id}`);
}

upload().then(() => process.exit(), (error) => { core.setFailed(String(error)); process.exit(1); });
