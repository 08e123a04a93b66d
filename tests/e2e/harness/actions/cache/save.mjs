import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";

const [kept, key, path] = [process.env.HARNESS_CACHE, process.env.INPUT_KEY, process.env.INPUT_PATH];
if (process.env.STATE_found === key) console.log(`Cache hit occurred on the primary key ${key}, not saving cache.`);
else if (kept && existsSync(path)) {
  cpSync(path, join(kept, key), { recursive: true });
  console.log(`Cache saved with key: ${key}`);
} else console.log("Nothing to save");
