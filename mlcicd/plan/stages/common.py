"""What several stages use."""

from __future__ import annotations

from mlcicd.config.identity import audience, variable
from mlcicd.config.model import Config
from mlcicd.plan.model import Cache, Call, Identity, Machine, Permission, Save

READ_CODE = Permission(scope="code", level="read", why="check the repository out")
PROVE_IDENTITY = Permission(scope="identity", level="write", why="log in to the data's cloud as this job")
# Where the verb `data` finds what an earlier run kept, and leaves what a later one may need (runtime/dvc_cache.py).
CACHE = ".mlcicd-cache"


def keep(job: str, *names: str) -> Save:
    """Keep what the job's own verbs left in `.mlcicd/`, for the report.

    By name, so that code which runs in one job cannot speak for another: all meet in the report's job.
    """
    return Save(artifact=f"mlcicd-{job}", paths=tuple(f".mlcicd/{name}" for name in names))


def fetch(config: Config, purpose: str) -> list[Cache | Call]:
    """Fetch the DVC data for one purpose (`validate` or `train`); nothing without a `data` section."""
    if config.data is None:
        return []
    kept = Cache(purpose=purpose, path=CACHE, why="Data that an earlier run fetched; each file is hashed before use.")
    pull = Call(
        name="Fetch data",
        verb="data",
        inputs={"for": purpose},
        secrets=secrets(config),
        identity=identity(config),
        why="Only what this job reads, hashed against the lock.",
    )
    return [kept, pull] if config.data.cache else [pull]


def secrets(config: Config) -> tuple[str, ...]:
    """Return the secrets of a step that may talk to the DVC remote."""
    return config.data.credentials.secrets if config.data else ()


def identity(config: Config) -> tuple[Identity, ...]:
    """Return the clouds that a step that may talk to the DVC remote logs in to."""
    if config.data is None:
        return ()
    credentials = config.data.credentials
    return tuple(
        Identity(cloud=cloud, audience=audience(cloud, credentials), variable=variable(cloud))
        for cloud in credentials.clouds
    )


def permissions(config: Config) -> tuple[Permission, ...]:
    """Return the rights of a job that reads the code and may talk to the DVC remote."""
    return (READ_CODE, PROVE_IDENTITY) if identity(config) else (READ_CODE,)


def opens_remote(config: Config) -> bool:
    """Tell whether what talks to the DVC remote holds something that a fork's code must not meet."""
    return bool(secrets(config) or identity(config))


def machine(config: Config, name: str) -> Machine:
    """Translate a runner of the configuration."""
    runner = config.runner(name)
    gpus = runner.gpu == "required"
    return Machine(name=name, labels=runner.labels, image=runner.image, price=runner.price, gpus=gpus)
