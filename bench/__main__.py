"""Run a measurement: ``python -m bench NAME [options]``. Each module of this folder is one."""

import importlib
import pkgutil
import sys

import bench
from fsl.base.memory import keep_freed_memory


def main() -> int:
    names = sorted(m.name for m in pkgutil.iter_modules(bench.__path__) if not m.name.startswith("_"))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python -m bench NAME [options]; NAME is one of {', '.join(names)}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"bench.{sys.argv.pop(1)}")
    sys.argv[0] = f"python -m {module.__name__}"
    keep_freed_memory()  # as the app and the commands do; their rivals benefit as well
    module.main()
    return 0


sys.exit(main())
