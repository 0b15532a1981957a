"""Makes ``python -m xaicourse`` the same as the command ``xaicourse``."""

from xaicourse.cli import main

raise SystemExit(main())
