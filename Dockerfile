# The action's image: Python, the package and what it needs; no compiler, no Triton and no PyTorch,
# since the user's own interpreter or image compiles. As the base any image will do that has a
# python3 from 3.11 on with venv: docker build --build-arg BASE=... .
ARG BASE=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary=:all: -r requirements/build.txt \
    && python3 -m venv /opt/tcv \
    && /opt/tcv/bin/pip install --require-hashes --only-binary=:all: -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/tcv/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/tcv/bin/pip uninstall --yes pip setuptools

FROM ${BASE}
COPY --from=build /opt/tcv /opt/tcv
# The runner parses the log line by line: nothing of it may wait in a buffer.
ENV PATH=/opt/tcv/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
ENTRYPOINT ["/opt/tcv/bin/tcv"]
