import { matchesGlob, resolve } from "node:path";
import client from "@actions/artifact";
import * as core from "@actions/core";

async function choose() {
  const name = core.getInput("name");
  if (name) return [(await client.getArtifact(name)).artifact];
  const { artifacts } = await client.listArtifacts({ latest: true });
  const pattern = core.getInput("pattern");
  return pattern ? artifacts.filter((artifact) => matchesGlob(artifact.name, pattern)) : artifacts;
}

async function download() {
  const base = resolve(core.getInput("path") || ".");
  const together = Boolean(core.getInput("name")) || core.getBooleanInput("merge-multiple");
  const chosen = await choose();
  for (const { id, name, digest } of chosen) {
    const path = together ? base : resolve(base, name);
    const { digestMismatch } = await client.downloadArtifact(id, { path, expectedHash: digest });
    if (digestMismatch) throw new Error(`${name}: digest mismatch`);
    core.info(`downloaded ${name}`);
  }
  core.info(`Total of ${chosen.length} artifact(s) downloaded`);
  core.setOutput("download-path", base);
}

download().then(() => process.exit(), (error) => { core.setFailed(String(error)); process.exit(1); });
