import { appendFileSync, cpSync, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const input = (name) => process.env[`INPUT_${name.toUpperCase()}`] || "";
const kept = process.env.HARNESS_CACHE;
const prefixes = input("restore-keys").split("\n").map((one) => one.trim()).filter(Boolean);

function find() {
  if (!kept || !existsSync(kept)) return undefined;
  const keys = readdirSync(kept);
  if (keys.includes(input("key"))) return input("key");
  const newest = (a, b) => statSync(join(kept, b)).mtimeMs - statSync(join(kept, a)).mtimeMs;
  for (const prefix of prefixes) {
    const [first] = keys.filter((key) => key.startsWith(prefix)).sort(newest);
    if (first) return first;
  }
}

const found = find();
if (found) cpSync(join(kept, found), input("path"), { recursive: true });
console.log(found ? `Cache restored from key: ${found}` : `Cache not found for key: ${input("key")}`);
appendFileSync(process.env.GITHUB_OUTPUT, `cache-hit=${found === input("key")}\n`);
if (process.env.GITHUB_STATE) appendFileSync(process.env.GITHUB_STATE, `found=${found || ""}\n`);
