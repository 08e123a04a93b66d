"""What somebody writes who wants a rule not to see it, and what looks like it and is none."""

from __future__ import annotations

import pytest

from mlcicd.lint import run
from mlcicd.lint.document import read
from mlcicd.lint.model import Finding
from mlcicd.lint.rules import RULES

BY_ID = {rule.id: rule for rule in RULES}


def judged(rule: str, text: str) -> list[Finding]:
    return [one for one in run.judge(read("w.yml", text, "workflow"), [BY_ID[rule]]) if one.rule == rule]


def workflow(steps: str, event: str = "pull_request_target", job: str = "runs-on: ubuntu-24.04") -> str:
    return f"on: {event}\npermissions: {{}}\njobs:\n  a:\n    {job}\n    steps:\n{steps}\n"


def runs(*lines: str, event: str = "push") -> str:
    return workflow("      - run: |\n" + "".join(f"          {line}\n" for line in lines), event)


@pytest.mark.parametrize(
    "expression",
    [
        "GITHUB.HEAD_REF",
        "github['head_ref']",
        "github[ 'event' ]['pull_request'].title",
        "github.event['pull_request'].title",
        "github . event . pull_request . title",
        "toJSON(github.event)",
        "tojson( github )",
        "toJSON(github.event.pull_request)",
        "fromJSON(toJSON(github.event)).pull_request.title",
        "github.event[matrix.field]",
        "github.event.pull_request[format('{0}', 'title')]",
        "format('}}', github.head_ref)",
        "format('${{', github.head_ref)",
        "github.event.commits[0].message",
        "join(github.event.commits.*.message)",
    ],
)
def test_what_strangers_type(expression: str) -> None:
    found = judged("M5", runs(f'echo "${{{{ {expression} }}}}"', event="pull_request_target"))
    assert [one.severity for one in found] == ["error"]


TYPED = "env: {T: '${{ github.head_ref }}'}"


@pytest.mark.parametrize(
    "steps",
    [
        '      - run: "echo ${{ github.head\\x5fref }}"',
        "      - run: 'echo ${{ github[''head_ref''] }}'",
        "      - {uses: actions/github-script@v8, with: {Script: 'f(`${{ github.head_ref }}`)'}}",
        "      - {run: echo, shell: 'bash -c \"${{ github.head_ref }}\" {0}'}",
        "      - {uses: Nick-Fields/retry@v3, with: {Command: 'echo ${{ github.head_ref }}'}}",
        f"      - {{{TYPED}, run: 'echo ${{{{ ENV.t }}}}'}}",
        f"      - {{{TYPED}, run: 'echo ${{{{ toJSON(env) }}}}'}}",
        f"      - {{{TYPED}, run: 'echo \"X=$T\" >> $GITHUB_ENV'}}\n      - run: echo ${{{{ env.X }}}}",
        f"      - {{id: s, {TYPED}, run: 'echo X=$T >> $GITHUB_OUTPUT'}}\n"
        "      - run: echo ${{ steps.S.outputs.x }}",
    ],
)
def test_what_strangers_type_by_another_way(steps: str) -> None:
    assert [one.severity for one in judged("M5", workflow(steps))] == ["error"]


@pytest.mark.parametrize("place", ["job", "workflow"])
def test_what_strangers_type_in_a_default(place: str) -> None:
    default = "defaults: {run: {shell: 'bash -c \"${{ github.head_ref }}\" {0}'}}"
    job = f"runs-on: x\n    {default}" if place == "job" else "runs-on: x"
    text = workflow("      - run: echo\n      - run: echo", job=job)
    assert len(judged("M5", text if place == "job" else f"{default}\n{text}")) == 1


@pytest.mark.parametrize(
    "expression",
    [
        "github.event.number",
        "toJSON(github.event.pull_request.number)",
        "GITHUB.sha",
        "startsWith(github.head_ref, 'v') && 'x' || 'y'",
        "github['head_ref'] != ''",
        "hashFiles(github.head_ref)",
        "format('github.head_ref')",
    ],
)
def test_what_nobody_types(expression: str) -> None:
    assert not judged("M5", runs(f'echo "${{{{ {expression} }}}}"', event="pull_request_target"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ref", "${{ github['head_ref'] }}"),
        ("ref", "${{ github.event.pull_request['head']['sha'] }}"),
        ("ref", "${{ github.event.pull_request.merge_commit_sha }}"),
        ("ref", "${{ format('refs/pull/{0}/merge', github.event.number) }}"),
        ("REF", "${{ GITHUB.event.pull_request.head.sha }}"),
        ("Repository", "${{ github.event.pull_request.head.repo.full_name }}"),
        ("ref", "${{ env.SHA }}"),
    ],
)
def test_code_of_a_change(key: str, value: str) -> None:
    env = "env: {SHA: '${{ github.event.pull_request.head.sha }}'}"
    steps = f'      - uses: Actions/Checkout@v7\n        {env}\n        with:\n          {key}: "{value}"'
    assert judged("M2", workflow(steps))


OWN = "github.event.pull_request.head.repo.full_name == github.repository"
QUOTED = "['full_name']"
FORK = "github.event.pull_request.head.repo.fork"


@pytest.mark.parametrize(
    "job",
    [
        "runs-on: Self-Hosted",
        "runs-on: [SELF-HOSTED, gpu]",
        "runs-on: {group: g, labels: [self-hosted]}",
        "runs-on: ${{ fromJSON('[\"self-hosted\"]') }}",
        "runs-on: [\"${{ github.event_name && 'self-hosted' }}\"]",
        "runs-on: [gpu, '${{ vars.RUNNER }}']",
        f"runs-on: self-hosted\n    if: {FORK} == false || true",
        f'runs-on: self-hosted\n    if: "!({OWN})"',
        f"runs-on: self-hosted\n    if: ({OWN}) == false",
        f"runs-on: self-hosted\n    if: {FORK} == false || github.event.action == 'opened'",
        f"runs-on: self-hosted\n    if: {FORK} == {FORK}",
        "runs-on: self-hosted\n    if: github.ref_name == github.ref_name",
        "runs-on: self-hosted\n    if: github.event_name != 'issues'",
        "runs-on: self-hosted\n    if: \"!contains(fromJSON('[1]'), github.actor)\"",
    ],
)
def test_a_fork_reaches_a_machine(job: str) -> None:
    assert judged("M10", workflow("      - run: echo", "pull_request", job))


@pytest.mark.parametrize(
    ("job", "event"),
    [
        (f"runs-on: self-hosted\n    if: GITHUB.EVENT_NAME == 'push' || ({OWN} && !cancelled())", "pull_request"),
        (f'runs-on: self-hosted\n    if: "!{FORK}"', "pull_request"),
        (f"runs-on: self-hosted\n    if: {OWN.replace('.full_name', QUOTED)}", "pull_request"),
        ("runs-on: self-hosted\n    if: github.ref == 'refs/heads/main'", "pull_request"),
        (
            "runs-on: self-hosted\n    if: github.event_name == 'push'"
            " || contains(fromJSON('[\"OWNER\"]'), github.event.comment.author_association)",
            "[push, issue_comment]",
        ),
    ],
)
def test_no_fork_reaches_a_machine(job: str, event: str) -> None:
    assert not judged("M10", workflow("      - run: echo", event, job))


def test_the_ref_of_a_privileged_run_is_the_default_branch() -> None:
    job = "runs-on: self-hosted\n    if: github.ref == 'refs/heads/main'"
    assert judged("M10", workflow("      - run: echo", "pull_request_target", job))


@pytest.mark.parametrize("value", ["Secrets.X", "secrets['X']", "SECRETS[ 'X' ]", "secrets . X", "secr\\x65ts.X"])
def test_a_secret_of_the_workflow(value: str) -> None:
    top = f'env: {{T: "${{{{ {value} }}}}"}}\n'
    assert judged("M8", top + runs("echo"))


@pytest.mark.parametrize(
    "value", ["toJSON(SECRETS)", "tojson( secrets )", "secrets[matrix.n]", "secrets[format('A')]", "join(secrets.*)"]
)
def test_every_secret(value: str) -> None:
    assert judged("M17", workflow(f'      - {{run: echo, env: {{T: "${{{{ {value} }}}}"}}}}', "push"))


def test_a_chosen_secret_is_none_of_them() -> None:
    assert not judged("M17", workflow("      - {run: echo, env: {T: \"${{ secrets['A'] }}\"}}", "push"))


@pytest.mark.parametrize("path", ["${{github.workspace}}", "${{ GITHUB['workspace'] }}/"])
def test_the_whole_folder(path: str) -> None:
    steps = f"      - uses: actions/upload-artifact@v4\n        with:\n          Path: {path}"
    assert judged("M21", workflow(steps, "push"))


def test_an_action_in_other_letters() -> None:
    assert judged("M24", workflow("      - uses: Actions/Checkout@v4", "push"))


def test_a_right_in_other_letters() -> None:
    assert judged("M23", runs("echo").replace("permissions: {}", "permissions: Write-All"))


@pytest.mark.parametrize(("value", "mended"), [("true", True), ("'true'", True), ("${{ inputs.keep }}", False)])
def test_what_an_expression_decides_is_not_mended(value: str, mended: bool) -> None:
    steps = f"      - uses: actions/checkout@v7\n        with:\n          persist-credentials: {value}"
    found = judged("M28", workflow(steps, "push"))
    assert [bool(one.fixes) for one in found] == [mended]


PIPED = "curl -s https://x | bash"
IGNORE = "# mlcicd: ignore[M25] known"


@pytest.mark.parametrize(
    "steps",
    [
        f'      - {{name: "{IGNORE}", run: "{PIPED}"}}',
        f"      - env:\n          A: |\n            x\n            {IGNORE}\n        run: {PIPED}",
        f"      - env: {{A: 'x\n            {IGNORE}'}}\n        run: {PIPED}",
        f"      - run: |\n          {PIPED}; echo '{IGNORE}'",
        f"      - run: |\n          cat <<E\n          {IGNORE}\n          E\n          {PIPED}",
        f"      - run: {PIPED} # mlcicd: ignore[M25] .",
        f"      - run: {PIPED} # mlcicd: ignore[M25] \u200b",
        f"      - ? '{IGNORE}'\n        : x\n        run: {PIPED}",
    ],
)
def test_data_ignores_nothing(steps: str) -> None:
    assert judged("M25", workflow(steps, "push"))


@pytest.mark.parametrize(
    "steps",
    [
        f"      - run: {PIPED} {IGNORE}",
        f"      - run: {PIPED} # why {IGNORE}",
        f"      {IGNORE}\n      - run: {PIPED}",
        f"      - run: |\n          {IGNORE}\n          {PIPED}",
        f"      - run: |\n          {PIPED} {IGNORE}",
        f"      - run: |\n          {PIPED} # why {IGNORE}",
        f"      - run: |\n          echo\n      {IGNORE}\n      - run: {PIPED}",
        f'      - {{name: "x", run: "{PIPED}"}} {IGNORE}',
    ],
)
def test_a_comment_ignores(steps: str) -> None:
    assert not run.judge(read("w.yml", workflow(steps, "push"), "workflow"), [BY_ID["M25"]])


@pytest.mark.parametrize(
    "lines",
    [
        ("pytest || true",),
        ("pytest || exit 0",),
        ("pytest || printf no",),
        ("python3.12 -m pytest || :",),
        ("pytest || { echo no; }",),
        ("set +e", "pytest", "echo done"),
        ("set +ex; dvc repro; echo done",),
    ],
)
def test_a_gate_that_cannot_fail(lines: tuple[str, ...]) -> None:
    assert judged("M33", runs(*lines))


@pytest.mark.parametrize(
    "lines",
    [
        ("pytest || { echo no; exit 1; }",),
        ("pytest || {", "  echo no", "  exit 1", "}"),
        ("pytest || (echo no; exit 1)",),
        ("pytest || (echo no && false)",),
        ("pytest --version || true",),
        ("pytest || exit 1",),
        ("set +e", "pytest", "code=$?", "set -e", "exit $code"),
        ("set +e", "echo a", "set -e", "pytest", "echo b"),
        ("set +e", "pytest"),
        ("pytest; true",),  # `bash -e` ends at the first
    ],
)
def test_a_gate_that_can_fail(lines: tuple[str, ...]) -> None:
    assert not judged("M33", runs(*lines))


@pytest.mark.parametrize("flag", ["true", "${{ true }}", "${{TRUE}}"])
@pytest.mark.parametrize("place", ["job", "step"])
def test_a_forgiven_gate(flag: str, place: str) -> None:
    job = f"continue-on-error: {flag}\n    runs-on: x" if place == "job" else "runs-on: x"
    step = f"\n        continue-on-error: {flag}" if place == "step" else ""
    assert judged("M33", workflow(f"      - run: pytest{step}", "push", job))


@pytest.mark.parametrize(
    "command",
    [
        "python3.12 -m pip install dvc",
        "/usr/bin/python3 -m pip install dvc",
        "pip install git+https://example.com/a/b",
        "pip install git+https://example.com/a/b@main",
        "uvx dvc",
        "uvx --from 'dvc>=3' dvc",
        "uv tool run dvc",
        "uv tool install dvc",
        "pipx run dvc",
        "conda install -y dvc",
        "mamba install -c conda-forge 'dvc>=3'",
        "npm install -g cml",
        "npm i --global @dvcorg/cml",
        "npx cml",
    ],
)
def test_a_package_of_any_version(command: str) -> None:
    assert judged("M9", runs(command))


@pytest.mark.parametrize(
    "command",
    [
        "pip install --upgrade-strategy eager a==1",
        f"pip install git+https://example.com/a/b@{'a' * 40}",
        "uvx dvc==3.60.1",
        "uvx dvc@3.60.1",
        "uvx --from dvc==3.60.1 dvc",
        "pipx run dvc==3.60.1",
        "conda install -y dvc=3.60.1",
        "conda install --file environment.txt",
        "npm install -g @dvcorg/cml@0.20.6",
        "npx cml@0.20.6 publish report.md",
        "npm install",
        "uv tool list",
    ],
)
def test_a_package_of_one_version(command: str) -> None:
    assert not judged("M9", runs(command))


@pytest.mark.parametrize(
    "lines",
    [
        ("curl -s https://x | tee i.sh | bash",),
        ("curl -s https://x | sed s/a/b/ | sudo bash",),
        ("curl -o i.sh https://x && bash i.sh",),
        ("curl -fsSLo i.sh https://x", "sh ./i.sh"),
        ("curl -O https://x/i.sh", "chmod +x i.sh", "./i.sh"),
        ("wget https://x/i.sh", "bash i.sh --yes"),
        ("curl https://x > i.sh; source i.sh",),
    ],
)
def test_a_download_that_is_run(lines: tuple[str, ...]) -> None:
    assert len(judged("M25", runs(*lines))) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ("curl -o i.sh https://x", 'echo "$SHA  i.sh" | sha256sum --check', "bash i.sh"),
        ("curl -o data.json https://x", "python train.py"),
        ("curl -s https://x | jq . | tee a.json", "bash train.sh"),
        ("curl -o a https://x; bash b",),
        ("bash i.sh", "curl -o i.sh https://x"),
    ],
)
def test_a_download_that_is_read(lines: tuple[str, ...]) -> None:
    assert not judged("M25", runs(*lines))
