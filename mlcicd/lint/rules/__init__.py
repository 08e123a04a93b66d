"""Every rule, in the order of its id: a new one is a class and its line here.

M1 to M21 are the ids of the table that our own output is judged by. Two of them say nothing about a file, and are
tests of the runtime: M6 (what is shown is escaped) and M14 (gates come from the base branch).
"""

from __future__ import annotations

from mlcicd.lint.rule import Rule
from mlcicd.lint.rules.artifacts import Upload
from mlcicd.lint.rules.caches import CacheInDelivery
from mlcicd.lint.rules.evaluated import Evaluated
from mlcicd.lint.rules.following import ArtifactFolder, NumberFromArtifact, RunOrigin
from mlcicd.lint.rules.gates import SilencedGate, SwallowedStatus
from mlcicd.lint.rules.injection import EnvironmentFile, Injection
from mlcicd.lint.rules.models import Unpickling
from mlcicd.lint.rules.packages import LatestImage, PipedInstaller, UnpinnedPackage
from mlcicd.lint.rules.pinned import Pinned, RetiredRuntime
from mlcicd.lint.rules.pipelines import DebugTrace, Deployment, ForkIdentity, KeptForever, MovingParts, TwoPipelines
from mlcicd.lint.rules.reading import Reading
from mlcicd.lint.rules.reports import VendorImages
from mlcicd.lint.rules.rights import CloudIdentity, KeptCredentials, Permissions
from mlcicd.lint.rules.runners import CmlRunner, LaunchedMachine, OwnMachine, Timeout
from mlcicd.lint.rules.safe_directory import SafeDirectory
from mlcicd.lint.rules.secret import AllSecrets, LiteralSecret, PersonalToken, SecretOnCommandLine, WorkflowSecret
from mlcicd.lint.rules.strangers import TrainingForStrangers, Trigger, UntrustedCheckout
from mlcicd.lint.rules.updates import ActionUpdates

RULES: tuple[type[Rule], ...] = (
    Reading,  # M0
    Trigger,  # M1
    UntrustedCheckout,
    RunOrigin,
    ArtifactFolder,
    Injection,  # M5
    VendorImages,
    WorkflowSecret,
    UnpinnedPackage,
    OwnMachine,  # M10
    CloudIdentity,
    CacheInDelivery,
    EnvironmentFile,
    SafeDirectory,  # M15
    Pinned,
    AllSecrets,
    Unpickling,
    MovingParts,
    DebugTrace,  # M20
    Upload,
    Timeout,
    Permissions,
    RetiredRuntime,
    PipedInstaller,  # M25
    LatestImage,
    SecretOnCommandLine,
    KeptCredentials,
    TrainingForStrangers,
    PersonalToken,  # M30
    CmlRunner,
    LaunchedMachine,
    SilencedGate,
    SwallowedStatus,
    NumberFromArtifact,  # M35
    KeptForever,
    ForkIdentity,
    TwoPipelines,
    Deployment,
    ActionUpdates,  # M40
    Evaluated,
    LiteralSecret,
)
