"""The cluster's files, made ready for a launch: new, or checked and with a password that is known."""

import os
import shutil

from lib.embedded.address import Address, new_address, save, saved, write_private
from lib.embedded.place import Place, remove
from lib.embedded.programs import program, version
from lib.embedded.run import reason, run
from lib.errors import DatabaseError

__all__ = ["prepare"]


def prepare(place: Place) -> Address:
    """Address of a cluster that is ready to be launched: a new one, or the one that is there. Raises DatabaseError."""
    if not place.data.exists():
        return _initialise(place)
    _check_version(place)
    return saved(place) or _forget_password(place)


def _initialise(place: Place) -> Address:
    """Makes the cluster beside its final place, so that an interrupted initdb is never mistaken for a cluster."""
    work = place.work
    remove(work)
    work.mkdir(mode=0o700)
    address = new_address()
    secret = write_private(work / "password", address.password)
    if place.account:
        for path in (work, secret):
            os.chown(path, place.account.pw_uid, place.account.pw_gid)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", f"--username={address.user}"]
    command = [program(place, "initdb"), *options, f"--pwfile={secret}", f"--pgdata={work / 'cluster'}"]
    made = run(command, place.account, capture_output=True)
    if made.returncode:
        shutil.rmtree(work)
        raise DatabaseError(
            f"PostgreSQL could not make a cluster in {place.home}: {reason(made.stderr)}. Mend that and run it again."
        )
    save(place, address)
    (work / "cluster").rename(place.data)
    shutil.rmtree(work)
    return address


def _check_version(place: Place) -> None:
    mark = place.data / "PG_VERSION"
    found = mark.read_text().strip() if mark.exists() else "an unknown version"
    wanted = version(program(place, "postgres"), place.account).partition(".")[0]
    if found != wanted:
        raise DatabaseError(
            f"The cluster in {place.data} was made by PostgreSQL {found}, the installed programs are of {wanted}. "
            "Its rows can be made again: run `make db-reset`, then `make pipeline`."
        )


def _forget_password(place: Place) -> Address:
    """Gives a cluster whose state file is lost a new password, in single-user mode, which asks for none."""
    address = new_address()
    command = [program(place, "postgres"), "--single", "-D", place.data, "postgres"]
    statement = f"ALTER ROLE {address.user} PASSWORD '{address.password}'\n"
    done = run(command, place.account, capture_output=True, input=statement)
    if done.returncode:
        raise DatabaseError(f"{place.state} is lost, and its password cannot be renewed: {reason(done.stderr)}.")
    return save(place, address)
