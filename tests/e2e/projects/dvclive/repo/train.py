"""Leave what `with dvclive.Live() as live:` leaves: numbers, a curve, and a dvc.yaml that names them."""

import json
import re
from pathlib import Path

rate = float(re.search(r"rate: (\S+)", Path("params.yaml").read_text())[1])
losses = [round(1 / (1 + rate * step), 4) for step in range(4)]
curves = Path("dvclive/plots/metrics")
curves.mkdir(parents=True, exist_ok=True)
rows = "".join(f"{step}\t{loss}\n" for step, loss in enumerate(losses))
(curves / "loss.tsv").write_text(f"step\tloss\n{rows}")
numbers = {"loss": losses[-1], "val": {"accuracy": round(1 - losses[-1], 4)}, "step": 3}
Path("dvclive/metrics.json").write_text(json.dumps(numbers, indent=4))
Path("dvclive/params.yaml").write_text(f"rate: {rate}\n")
Path("model.txt").write_text(f"{losses[-1]}\n")
