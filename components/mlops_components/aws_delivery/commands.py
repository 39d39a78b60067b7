"""What builds run, as lines of shell: the same on CodeBuild, GitHub and GitLab, which differ only in how they say it.

Each part is told by environment variables what it works on: SETTINGS (URI of what CI 1 is told), REPOSITORY (of
images), DOCKERFILE, COMMIT, BRANCH, TAG, IMAGE. Nothing here looks at what the variables hold, so the lines are known
beforehand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import join, quote

from mlops_components.aws_delivery.pins import PULUMI_ARCHIVE, PULUMI_ARCHIVES, PULUMI_SUMS

TEST_REPORT = "tests.xml"
SMOKE_REPORT = "smoke.json"
WHEELS = "wheels"
"""Folder of the workload's own wheel, which is part of a package."""
_PROGRAM = "python -m mlops_stacks.runtime.delivery"
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)


@dataclass(frozen=True)
class Workload:
    """What is built."""

    folder: str
    """Folder of its project in the repository; `.` is the repository itself."""
    platform: str
    """Where pip finds mlops-stacks: a version of the index, a URL, or the path of a wheel in the repository."""
    extras: tuple[str, ...]
    """Parts of mlops-stacks that the workload's image holds."""
    test_command: tuple[str, ...]
    test_requirements: tuple[str, ...]
    """What pip installs for the tests besides the workload."""
    own_dockerfile: bool
    """Whether the repository has a Dockerfile, which DOCKERFILE names; else DOCKERFILE is the URI of ours."""

    @property
    def project(self) -> str:
        """What pip is told to build; a path it takes for one only with a slash."""
        return "." if self.folder == "." else f"./{self.folder}"


def requirement(platform: str, extras: Sequence[str]) -> str:
    """Return what pip is told to install of mlops-stacks."""
    wanted = f"[{','.join(sorted(extras))}]" if extras else ""
    if "://" in platform:
        return f"mlops-stacks{wanted} @ {platform}"
    if platform.endswith(".whl"):
        return f"./{platform}{wanted}"
    return f"mlops-stacks{wanted}=={platform}"


def install(platform: str, extras: Sequence[str], *more: str) -> str:
    """Return the line that installs mlops-stacks."""
    return join(["python", "-m", "pip", "install", "--quiet", requirement(platform, extras), *more])


def tests(workload: Workload) -> list[str]:
    """Test the workload; the report is written whether they pass or not."""
    run = join(workload.test_command)
    return [
        install(workload.platform, workload.extras, workload.project, *workload.test_requirements),
        'export REPORT="$(pwd)/' + TEST_REPORT + '"',
        f"(cd {quote(workload.folder)} && PYTEST_ADDOPTS=\"--junitxml='$REPORT'\" {run})",
    ]


def wheels(workload: Workload) -> list[str]:
    """Build the workload's wheel, and take with it everything that a rendered Dockerfile installs."""
    build = ["python", "-m", "pip", "wheel", "--quiet"]
    lines = [join([*build, "--no-deps", "--wheel-dir", WHEELS, workload.project])]
    if not workload.own_dockerfile:
        needed = join([*build, "--wheel-dir", "image/wheels", requirement(workload.platform, workload.extras)])
        lines.append(f"{needed} {WHEELS}/*.whl")
    return lines


def image(workload: Workload) -> list[str]:
    """Build the image from the wheels and push it; IMAGE is then what was pushed, by its digest."""
    return [
        *_dockerfile(workload),
        login(),
        _build(workload),
        'docker push --quiet "$REPOSITORY:$TAG"',
        'export IMAGE="$(docker inspect --format \'{{index .RepoDigests 0}}\' "$REPOSITORY:$TAG")"',
        'echo "$IMAGE"',
    ]


def try_image(workload: Workload) -> list[str]:
    """Build the image from the wheels, and leave it at that."""
    return [*_dockerfile(workload), _build(workload)]


def _dockerfile(workload: Workload) -> list[str]:
    return [] if workload.own_dockerfile else ['aws s3 cp --quiet "$DOCKERFILE" image/Dockerfile']


def _build(workload: Workload) -> str:
    build = 'docker build --file "$DOCKERFILE"' if workload.own_dockerfile else "docker build"
    context = "." if workload.own_dockerfile else "image"
    return f'{build} --label "org.opencontainers.image.revision=$COMMIT" --tag "$REPOSITORY:$TAG" {context}'


def login() -> str:
    """Let Docker into the registry of REPOSITORY."""
    return 'aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"'


def smoke() -> list[str]:
    """Train each model on a small slice, with the code of the image; it may read what this build may read."""
    variables = " ".join(f"--env {name}" for name in _CREDENTIALS)
    return [
        login(),
        "mkdir -p smoke",
        (
            f'docker run --rm --network host {variables} --volume "$(pwd)/smoke:/smoke" --entrypoint python "$IMAGE"'
            f' -m mlops_stacks.runtime.delivery smoke --settings "$SETTINGS" --out /smoke/{SMOKE_REPORT}'
        ),
    ]


def scan(severity: str, minutes: int) -> list[str]:
    """Wait for the registry's scan of the image, and fail where it found something of this severity or worse."""
    return [f'{_PROGRAM} scan --image "$IMAGE" --severity {severity} --minutes {minutes}']


def publish(reports: str, start: str | None) -> list[str]:
    """Make a pipeline package of what was built, and start its delivery; `reports` is the folder of the reports."""
    begin = f" --start {quote(start)}" if start else ""
    return [
        (
            f'{_PROGRAM} publish --settings "$SETTINGS" --image "$IMAGE" --commit "$COMMIT" --branch "$BRANCH"'
            f" --wheels {WHEELS} --reports {reports}{begin}"
        )
    ]


def install_deployer(platform: str) -> list[str]:
    """Install what deploys: mlops-stacks with the provider of AWS, and the Pulumi CLI."""
    return [
        install(platform, ("aws",)),
        *_install_pulumi(),
    ]


def _install_pulumi() -> list[str]:
    """Unpack the CLI, once it is what its makers say it is: archive and sums come from two hosts, to be forged both."""
    fetch = "curl --fail --silent --show-error --location --proto '=https'"
    archive = f'"$HOME/{PULUMI_ARCHIVE}"'
    return [
        f"{fetch} --output {archive} {PULUMI_ARCHIVES}/{PULUMI_ARCHIVE}",
        f'{fetch} --output "$HOME/pulumi.sums" {PULUMI_SUMS}',
        f'(cd "$HOME" && grep "  {PULUMI_ARCHIVE}$" pulumi.sums | sha256sum --check --strict -)',
        f'mkdir -p "$HOME/.pulumi/bin" && tar -xzf {archive} --strip-components=1 -C "$HOME/.pulumi/bin"',
        'export PATH="$HOME/.pulumi/bin:$PATH"',
    ]


def take_locks(folders: Sequence[str]) -> list[str]:
    """Take what was delivered and released in the meantime; the rest stays as it is in the commit of this run."""
    take = [
        f"if git cat-file -e FETCH_HEAD:{quote(each)} 2>/dev/null; then git checkout --quiet FETCH_HEAD -- "
        f"{quote(each)}; fi"
        for each in folders
    ]
    return ['git fetch --quiet origin "$BRANCH"', *take]


def change(blueprint: str, *, carried_out: bool) -> list[str]:
    """Write to the environment's lock what runs there: CHANGE says whether a package is delivered or versions released.

    VERSIONS is what it came to when it was planned; the same is carried out, whatever was approved in the meantime.
    """
    program = f"mlops-stacks --blueprint {quote(blueprint)}"
    deliver = f'{program} deliver "$PACKAGE" --environment "$ENVIRONMENT" --approve --executor pulumi'
    promote = f'{program} promote --environment "$ENVIRONMENT" --executor pulumi'
    if carried_out:
        return [f'if [ "$CHANGE" = deliver ]; then {deliver}; else {promote} --versions "$VERSIONS"; fi']
    return [
        (
            f'if [ "$CHANGE" = deliver ]; then {deliver}; export VERSIONS="$PACKAGE"; else '
            f'export VERSIONS="$({promote} --terse)"; fi'
        )
    ]


def look_ahead(blueprint: str) -> list[str]:
    """Validate the blueprint and plan the environment; findings of the policies that are errors end it here."""
    program = f"mlops-stacks --blueprint {quote(blueprint)}"
    return [
        f"{program} validate",
        f'{program} plan --environment "$ENVIRONMENT" --format markdown --output plan.md',
        "cat plan.md",
    ]


def carry_out(blueprint: str) -> list[str]:
    """Make everything as the blueprint and the locks say."""
    return [f'mlops-stacks --blueprint {quote(blueprint)} up --environment "$ENVIRONMENT" --executor pulumi']


def approver() -> list[str]:
    """Whoever approved this run for the environment is the one whom the lock names."""
    return [
        (
            f'export LOGNAME="$({_PROGRAM} approver --pipeline "$PIPELINE" --execution "$EXECUTION"'
            ' --stage "$ENVIRONMENT")"'
        )
    ]


def record() -> list[str]:
    """Put the environment's lock (LOCK) into the branch, on top of whatever was pushed in the meantime."""
    return [
        'cp "$LOCK" "$HOME/lock.yaml"',
        'git fetch --quiet origin "$BRANCH"',
        "git checkout --quiet --force -B delivered FETCH_HEAD",
        'mkdir -p "$(dirname "$LOCK")" && cp "$HOME/lock.yaml" "$LOCK" && git add -- "$LOCK"',
        (
            'git diff --cached --quiet || (git -c user.name="$LOGNAME" -c user.email="$LOGNAME" commit --quiet'
            ' --message "$MESSAGE" && git push --quiet origin "HEAD:refs/heads/$BRANCH")'
        ),
    ]
