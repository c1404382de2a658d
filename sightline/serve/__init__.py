"""The server: bundles behind an address. Imports FastAPI and uvicorn (the extra `serve`), never torch."""
