"""Count the words that are long enough."""

import json
import re
from pathlib import Path

least = int(re.search(r"least: (\S+)", Path("params.yaml").read_text())[1])
long = [word for word in Path("words.txt").read_text().split() if len(word) >= least]
Path("metrics.json").write_text(json.dumps({"words": {"long": len(long)}}) + "\n")
