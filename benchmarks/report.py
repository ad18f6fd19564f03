"""Tables of what `contest.py` measured.

Records are plain dictionaries: row, cores, who; milliseconds of a warm call (medians wall and cpu, tenth percentiles
wall_p10 and cpu_p10); seconds of a cold start (imports, from the start of the process, and first, from there to the
first answer; both in CPU time with _cpu); peak, the most memory in MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

OURS = "graphml"
PEERS = ("onnxruntime", "torch")


def milliseconds(record: Record) -> float | None:
    """Of a warm call: the median of CPU time on one core, which varies less on a shared machine; on several cores the
    tenth percentile of wall time."""
    return record.get("cpu" if record["cores"] == 1 else "wall_p10")


def table(records: Sequence[Record]) -> str:
    """Markdown, one line for each record; ours with the ratios to the peers."""
    head = ["row", "cores", "who", "ms", *(f"/ {peer}" for peer in PEERS)]
    head += ["wall, median", "CPU, median", "imports s", "first s", "first CPU s", "peak MB"]
    lines = []
    for record in records:
        mine = milliseconds(record)
        ratios: list[str] = []
        for peer in PEERS:
            theirs = _beside(records, record, peer)
            ours = str(record["who"]).startswith(OURS)
            ratios.append(f"**{mine / theirs:.2f}**" if mine and theirs and ours else "")
        numbers = [record.get(key) for key in ("wall", "cpu", "imports", "first", "first_cpu", "peak")]
        cells = [_short(mine), *ratios, *map(_short, numbers)]
        lines.append([record["row"], record["cores"], record["who"], *cells])
    return _markdown(head, lines)


def _beside(records: Iterable[Record], record: Record, who: str) -> float | None:
    for other in records:
        if (other["row"], other["cores"], other["who"]) == (record["row"], record["cores"], who):
            return milliseconds(other)
    return None


def comparison(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What changed from one run to another. The rows of the peers show how much of it is due to the machine."""
    before = {_key(record): record for record in old["records"]}
    head = ["row", "cores", "who", "ms before", "after", "ratio", "first s before", "after", "ratio", "peak MB before"]
    head += ["after", "ratio"]
    lines = []
    for record in new["records"]:
        earlier = before.get(_key(record))
        if earlier is None:
            continue
        pairs = [(milliseconds(earlier), milliseconds(record))]
        pairs += [(earlier.get(key), record.get(key)) for key in ("first", "peak")]
        cells = [cell for was, now in pairs for cell in (_short(was), _short(now), _ratio(was, now))]
        lines.append([*_key(record), *cells])
    versions = [f"{key}: {was} -> {new['machine'].get(key)}" for key, was in old["machine"].items()]
    changed = [text for text in versions if len(set(text.split(": ", 1)[1].split(" -> "))) > 1]
    return "\n".join([*changed, "", _markdown(head, lines)])


def _key(record: Record) -> tuple[str, int, str]:
    return record["row"], record["cores"], record["who"]


def _ratio(was: float | None, now: float | None) -> str:
    return f"**{now / was:.2f}**" if was and now else ""


def _short(number: float | None) -> str:
    if number is None:
        return ""
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def _markdown(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    rule = ["---", "---:", "---"] + ["---:"] * (len(head) - 3)
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in [head, rule, *lines])
