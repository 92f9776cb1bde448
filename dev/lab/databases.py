"""MariaDB's first start, the databases and schemas of the services, and an empty message queue at each start."""

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor

from dev.lab import passwords, places, supervision
from dev.lab.command import run, until
from dev.lab.progress import Progress
from dev.lab.services import ALL, BASE, NOVA, files

CONFIGURATION = places.CONFIGURATION
SCHEMAS = places.RUN.parent / "schemas.done"
# A program that makes a schema ends with the program that started it, so that none is still running at the next `up`.
BOUND = ("setpriv", "--pdeathsig", "KILL")
# The programs that make each service's schema, in order, with the limit of each in seconds.
STEPS = {
    "keystone": (
        (f"keystone-manage {files('keystone.conf')} db_sync", 300),
        (f"keystone-manage {files('keystone.conf')} fernet_setup --keystone-user root --keystone-group root", 120),
        (f"keystone-manage {files('keystone.conf')} credential_setup --keystone-user root --keystone-group root", 120),
    ),
    "glance": ((f"glance-manage {files('glance-api.conf')} db_sync", 300),),
    "placement": ((f"placement-manage {files('placement.conf')} db sync", 300),),
    "nova": (
        (f"nova-manage {NOVA} api_db sync", 300),
        (f"nova-manage {NOVA} cell_v2 map_cell0", 120),
        (f"nova-manage {NOVA} db sync", 300),
    ),
    "neutron": ((f"neutron-db-manage {files('neutron.conf', 'ml2.ini')} upgrade heads", 300),),
}


def ensure(progress: Progress) -> None:
    """Start the base services and bring every schema to its version, in parallel."""
    _prepare_mariadb(progress)
    _prepare_rabbitmq()
    by_name = {service.name: service for service in ALL}
    supervision.start([by_name[name] for name in ("epmd", "mariadb", "memcached", "lxcfs")])
    supervision.wait([by_name["epmd"]], 10)
    supervision.start(BASE)
    supervision.wait([by_name["mariadb"]], 90)
    # It changes with the definition of the databases and with the installed versions of the services.
    versions = run("dpkg-query", "--show", "keystone", "glance-api", "placement-api", "nova-api", "neutron-server")
    signature = hashlib.sha256(((CONFIGURATION / "databases.sql").read_text() + versions).encode()).hexdigest()
    if not (SCHEMAS.exists() and SCHEMAS.read_text() == signature):
        with progress.step("databases and schemas"):
            if not SCHEMAS.exists():
                _execute("drop-databases.sql")
            _execute("databases.sql")
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda name: _schema(name, progress), STEPS))
        SCHEMAS.write_text(signature)
    supervision.wait(BASE, 60)
    until((places.LXCFS / "proc/meminfo").exists, "lxcfs is not mounted", 15, places.LOGS / "lxcfs.log")


def _execute(script: str) -> None:
    """Run an SQL script from the configuration folder as the database's root user."""
    client = ("mariadb", f"--defaults-file={CONFIGURATION}/mariadb.cnf")
    run(*client, timeout=60, stdin=(CONFIGURATION / script).read_text())


def _prepare_mariadb(progress: Progress) -> None:
    """Make the system tables once. An interrupted first start begins from scratch."""
    data = places.STATE / "mariadb"
    done = places.STATE / "mariadb.made"
    if done.exists():
        return
    with progress.step("MariaDB's system tables"):
        for item in data.iterdir():
            shutil.rmtree(item) if item.is_dir() else item.unlink()
        run(
            *("mariadb-install-db", f"--defaults-file={CONFIGURATION}/mariadb.cnf", "--user=mysql", "--skip-test-db"),
            *("--auth-root-authentication-method=socket", "--auth-root-socket-user=root"),
            log=places.LOGS / "mariadb-install.log",
        )
        SCHEMAS.unlink(missing_ok=True)
        done.touch()


def _prepare_rabbitmq() -> None:
    """A queue that is not running starts empty, because its messages belong to an earlier run."""
    (places.STATE / "rabbitmq/plugins").write_text("[].\n")
    if supervision.states().get("lab-rabbitmq", {}).get("statename") in ("RUNNING", "STARTING"):
        return
    shutil.rmtree(places.STATE / "rabbitmq/mnesia", ignore_errors=True)
    (places.STATE / "rabbitmq/mnesia").mkdir()


def _schema(name: str, progress: Progress) -> None:
    log = places.LOGS / f"schema-{name}.log"
    with progress.step(f"schema of {name}"):
        for command, limit in STEPS[name]:
            run(*BOUND, *command.split(), log=log, timeout=limit)
        if name == "keystone":
            program = ("/usr/bin/python3", places.HERE / "scripts/bootstrap_keystone.py")
            arguments = (CONFIGURATION / "keystone.conf", places.api(places.PORTS.keystone) + "/v3/", places.REGION)
            run(*BOUND, *program, *arguments, stdin=passwords.load()["administrator"], log=log)
        if name == "nova" and " cell1 " not in run(*BOUND, *f"nova-manage {NOVA} cell_v2 list_cells".split()):
            run(*BOUND, *f"nova-manage {NOVA} cell_v2 create_cell --name=cell1".split(), log=log)
