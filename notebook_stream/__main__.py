"""Run the command ``notebook-stream`` as ``python -m notebook_stream``."""

from .cli import main

raise SystemExit(main())
