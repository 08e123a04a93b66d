"""Square every number."""

from pathlib import Path

numbers = [int(word) for word in Path("../data/raw.txt").read_text().split()]
Path("table.txt").write_text("\n".join(str(number**2) for number in numbers) + "\n")
