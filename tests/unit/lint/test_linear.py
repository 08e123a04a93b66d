"""No file makes a rule slow: four times the text takes about four times as long, whatever it says over and over."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

import pytest

from mlcicd.lint.document import Document, read
from mlcicd.lint.model import Kind
from mlcicd.lint.rule import Rule
from mlcicd.lint.rules import RULES

LENGTH = 3_000  # characters of a script, the shorter one
COUNT = 150  # jobs, steps or lines of the smaller file
GROWTH = 8  # what is quadratic takes 16 times as long
NOISE = 0.05  # seconds of the processor that say nothing
BOUND = 2.0  # seconds for all rules together

# What a text may repeat: each begins something that a rule or the reader of scripts looks for, and few end it.
PIECES = r"""
-|'|"|\|$(|$((| |;|&&|$|`|>|<|{|}|#|[|a|=|<<|<<EOF | <<E|'"|\"|'a| "a|~~|${{ |${{ a }} |${{ }|${{ secrets.
${{ secrets. |secrets.|${{ env.A }}|${{ vars.|github.event.|-github.event.|github.event.a[1].|inputs.|env.A |steps.a.
needs.a.outputs.|contains(|a == |'' == |fromJSON(|fromJSON() , |startsWith( |toJSON( |git |git fetch |git fetch ${{ |
gh pr |gh run download |--dir |uses: a/|--token|-token-|token|$TOKEN|$TOKEN,|://|://$TOKEN|-p |-H 'a:$A|--header 'a
dvc remote modify |dvc remote modify $TOKEN|safe.directory |safe.directory = |$(cat |$(cat a.|`<a |>> $GITHUB_ENV |
cat a/|open( |<pr|![|![a](|cml comment |cml runner --single |curl x ~ |curl x ~ bash;|bash <(curl |$(curl |:latest |
pip install |pip install a;|a[b] |X=1 |sudo |sudo - |uv run |pytest ~~ true;|pytest ~ tee;|docker run a:latest |always()
${{ '|${{ a['b'] |${{ github[ |github . |toJSON(github |toJSON(github.event.a.|secrets[|(!|!a &&|(a ~~ |a == false |
curl -o a x;|curl -O x/y |bash a;|pytest ~~ { echo;|pytest ~~ echo;|set +e;|uvx |npx |npm i -g |a= $T $GITHUB_ENV |
# mlcicd: ignore[M5] |# mlcicd: ignore[M5] a
twine upload |pickle.load(|needs.a.result == |if |! |env;|github.head_ref |steps.a.outcome
eval "$CI_COMMIT_TITLE" |echo $CI_COMMIT_TITLE ~~ |bash -o |sh -c "$A |"`echo |$(echo |bash <<< $A;|A=$CI_COMMIT_TAG;
TOKEN=|A_TOKEN=a1b2c3d4 |glpat-|glpat-0123456789abcdefghij |://a:|://a:b1c2d3@|-----BEGIN RSA PRIVATE KEY-----|eyJ
"""
AROUND = ("{}", 'git x://${{{{ "{} >> $GITHUB_ENV')


def pieces() -> list[str]:
    """The table above as texts; `~` is a bar, and of white space there is more."""
    named = [piece.replace("~", "|") for line in PIECES.strip("\n").split("\n") for piece in line.split("|") if piece]
    return [*named, "\t", "\n\n", "x\n", "\\\n", " \n", " <<E\n", " <<'E\nE\n", f"PRIVATE KEY\n{'A' * 60}\n"]


def indented(text: str, width: int) -> str:
    return "|1\n" + "".join(f"{' ' * width}{line}\n" for line in text.split("\n"))


EVENTS = "on: [pull_request, pull_request_target, issue_comment, workflow_run]\n"


def in_scripts(text: str) -> Iterator[tuple[str, Kind]]:
    steps = f"   steps:\n    - uses: actions/checkout@v4\n    - run: {indented(text, 7)}"
    yield f"{EVENTS}jobs:\n  a:\n   runs-on: {indented(text, 4)}   if: {indented(text, 4)}{steps}", "workflow"
    yield f"a:\n  script:\n    - {indented(text, 5)}", "gitlab"


def of_steps(text: str) -> Callable[[int], str]:
    return lambda count: f"{EVENTS}jobs:\n  a:\n    runs-on: self-hosted\n    steps:\n" + f"      - {text}\n" * count


def of_jobs(text: str, before: str = "") -> Callable[[int], str]:
    """Jobs in which NEXT is the number of the one behind, LAST of the one before."""
    return lambda count: before * count + f"\n{EVENTS}jobs:\n" + _numbered("  j{}: ", text, count)


def of_pipeline(text: str, before: str = "", line: str = "") -> Callable[[int], str]:
    return lambda count: before + line * count + _numbered("j{}: ", text, count)


def _numbered(name: str, text: str, count: int) -> str:
    rows = (text.replace("NEXT", f"j{number + 1}").replace("LAST", f"j{number - 1}") for number in range(count))
    return "".join(f"{name.format(number)}{row}\n" for number, row in enumerate(rows))


MERGE = "    - {if: $CI_PIPELINE_SOURCE == 'merge_request_event'}\n"
FULL = "{uses: actions/checkout@v4}, {uses: actions/cache@v4}, {run: dvc repro}, {run: twine upload x}"
MANY: dict[str, tuple[Kind, Callable[[int], str]]] = {
    "needs": ("workflow", of_jobs("{runs-on: self-hosted, needs: LAST}")),
    "needs in turn": ("workflow", of_jobs("{runs-on: self-hosted, needs: NEXT}")),
    "asked": ("workflow", of_jobs("{runs-on: self-hosted, if: always() && needs.NEXT.outputs.a}")),
    "jobs": ("workflow", of_jobs(f"{{runs-on: x, env: {{A: '${{{{ secrets.A }}}}'}}, steps: [{FULL}]}}")),
    "guarded": ("workflow", of_jobs(f"{{runs-on: x, if: github.actor == 'me', steps: [{FULL}]}}")),
    "checkouts": ("workflow", of_steps("uses: actions/checkout@v4")),
    "on one line": ("workflow", lambda n: f"{EVENTS}jobs: {{a: {{steps: [{'{uses: actions/checkout@v4}, ' * n}]}}}}"),
    "pickles": ("workflow", of_steps("run: pickle.load(x)  # ${{ secrets.A }}")),
    "artifacts": ("workflow", of_steps("{uses: actions/download-artifact@v4, with: {run-id: 1}}")),
    "machines": ("workflow", of_steps("{uses: machulav/ec2-github-runner@v1, with: {mode: start}}")),
    "forgiven": ("workflow", of_steps("{id: a, continue-on-error: true, run: pytest || true}")),
    "shared steps": (
        "workflow",
        lambda n: of_jobs("{steps: *a}")(n).replace("*a", "&a [" + "{run: pytest}, " * n + "]", 1),
    ),
    "extends": ("gitlab", of_pipeline("{extends: LAST, script: [pytest || true], allow_failure: true}")),
    "extends unknown": ("gitlab", lambda n: f"a: {{extends: [{'b, ' * 20 * n}], script: x}}\n"),
    "inherited rules": ("gitlab", of_pipeline("{extends: .a, id_tokens: {A: b}}", ".a:\n  rules:\n", MERGE)),
    "lines": ("gitlab", of_pipeline("{script: x}", "a:\n  script:\n", "    - pytest || true; env; x --token $TOKEN\n")),
    "evaluated": ("gitlab", of_pipeline("{script: x}", "a:\n  script:\n", "    - A=$CI_COMMIT_TAG; eval $A\n")),
    "held": ("gitlab", of_pipeline("{variables: {A_TOKEN: a1b2c3d4}, script: glpat-0123456789abcdefghij}")),
    "paths": ("gitlab", of_pipeline("{script: x}", "a:\n  artifacts:\n    paths:\n", "      - a/.git\n")),
}


def seconds(rules: list[Rule], doc: Document) -> float:
    begin = time.process_time()
    for rule in rules:
        for _ in rule.check(doc):
            pass
    return time.process_time() - begin


def check(small: str, large: str, kind: Kind) -> None:
    rules = [rule() for rule in RULES if kind in rule.kinds]
    more = seconds(rules, read("a.yml", large, kind))
    assert more < BOUND
    less = seconds(rules, read("a.yml", small, kind)) if more > NOISE else more
    if more >= GROWTH * less + NOISE:
        # A busy machine is slow once among thousands of measurements; a rule is slow each time.
        more = min(more, *(seconds(rules, read("a.yml", large, kind)) for _ in range(3)))
    assert more < GROWTH * less + NOISE, f"{less:.2f} s, and {more:.2f} s for four times as much"


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    """What the collector of garbage takes is nobody's in particular."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("around", AROUND)
def test_a_script_that_repeats_itself(around: str) -> None:
    for piece in pieces():
        small, large = (around.format(piece * (size // len(piece))) for size in (LENGTH, 4 * LENGTH))
        for (less, kind), (more, _) in zip(in_scripts(small), in_scripts(large), strict=True):
            try:
                check(less, more, kind)
            except AssertionError as error:
                raise AssertionError(f"{piece!r} in {kind}: {error}") from None


@pytest.mark.parametrize("name", MANY)
def test_many_jobs_steps_and_lines(name: str) -> None:
    kind, make = MANY[name]
    check(make(COUNT), make(4 * COUNT), kind)


def test_a_chain_of_thousands_is_no_recursion() -> None:
    text = of_jobs("{runs-on: self-hosted, needs: NEXT}")(5000)
    assert seconds([rule() for rule in RULES if rule.id == "M10"], read("a.yml", text, "workflow")) < BOUND


def test_scripts_by_the_million_through_anchors_are_read_once() -> None:
    laughs = "".join(f"a{number}: &a{number} [{f'*a{number - 1}, ' * 9}]\n" for number in range(1, 11))
    doc = read("a.yml", f"a0: &a0 [pytest || true]\n{laughs}b: {{script: *a10}}\n", "gitlab")
    assert seconds([rule() for rule in RULES if "gitlab" in rule.kinds], doc) < BOUND
