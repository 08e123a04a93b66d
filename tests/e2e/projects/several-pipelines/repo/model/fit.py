"""A weighted sum."""

import re
from pathlib import Path

weight = float(re.search(r"weight: (\S+)", Path("params.yaml").read_text())[1])
total = sum(int(word) for word in Path("../features/table.txt").read_text().split())
Path("model.txt").write_text(f"{weight * total}\n")
