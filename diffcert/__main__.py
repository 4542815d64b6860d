"""`python -m diffcert`: the command line."""

import sys

from diffcert.cli import main

if __name__ == "__main__":
    sys.exit(main())
