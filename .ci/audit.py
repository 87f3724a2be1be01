"""Ask the advisory database about the packages of a lock file: `python .ci/audit.py pip-audit --requirement ...`.

Prints the known weaknesses, a line for each, and ends with 1 where there are any; with 2, and one sentence, where
nobody could be asked.
"""

import json
import subprocess
import sys


def main(command: list[str]) -> int:
    """Run pip-audit, by the command that starts it; return the exit status."""
    options = ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([*command, *options], capture_output=True, text=True)  # noqa: S603, given by the Makefile
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"not audited: the advisory database could not be asked ({why}); try again where it can be reached")
        return 2
    found = [(package, weakness) for package in packages for weakness in package.get("vulns", ())]
    for package, weakness in found:
        mended = ", ".join(weakness["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {weakness['id']}, mended in {mended}")
    print(f"{len(packages)} packages were audited; {len(found) or 'no'} known weaknesses")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
