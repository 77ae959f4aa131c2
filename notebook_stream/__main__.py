"""`python -m notebook_stream` is `notebook-stream`."""

from .cli import main

raise SystemExit(main())
