# The server alone, without PyTorch; from the project's root: docker build -t sightline .
# tests/serve/test_deploy.py carries out the same steps without Docker.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY sightline ./sightline
RUN python -m venv /opt/sightline
RUN /opt/sightline/bin/python -m pip install --no-cache-dir -c constraints.txt ".[serve]"
RUN /opt/sightline/bin/python -m pip uninstall --yes pip setuptools

FROM python:${PYTHON}-slim
COPY --from=build /opt/sightline /opt/sightline
ENV PATH=/opt/sightline/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /models
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["python", "-c", "from sightline.client import Client; exit(not Client('http://127.0.0.1:8000', timeout=2).ready())"]
ENTRYPOINT ["sightline", "serve", "--host", "0.0.0.0"]
