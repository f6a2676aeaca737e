# Few-Shot Lab for a team: docker build -t few-shot-lab . ; see docs/deploy.md for how to run it.
FROM python:3.11-slim

# One memory arena for all threads, so that memory freed after a visit returns to the system (fsl/base/memory.py).
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 OMP_WAIT_POLICY=PASSIVE MALLOC_ARENA_MAX=1
RUN useradd --create-home --uid 10001 lab
WORKDIR /app

# The libraries come first: they change less often than the program, so a new version of it reuses this layer.
# Without a GPU, --build-arg TORCH_INDEX=... takes the much smaller CPU-only wheels from the index that PyTorch's
# install page names, in the same tested versions.
COPY pyproject.toml constraints.txt ./
ARG TORCH_INDEX=""
RUN if [ -n "$TORCH_INDEX" ]; then \
        grep -E "^(torch|torchvision)==" constraints.txt | xargs pip install --index-url "$TORCH_INDEX"; fi \
    && python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > /tmp/requirements.txt \
    && pip install -r /tmp/requirements.txt -c constraints.txt

COPY README.md LICENSE hatch_build.py app.py ./
COPY .streamlit .streamlit
COPY pages pages
COPY fsl fsl
COPY checkpoints checkpoints
RUN pip install --no-deps -e .

# The only folders that are written to: runs, checkpoints that people save, and downloaded pictures.
RUN mkdir -p /data/runs /data/cache checkpoints/saved && chown -R lab /data checkpoints/saved
ENV FSL_RUNS_DIR=/data/runs FSL_CACHE_DIR=/data/cache
# Days after which a visitor's runs, and the copies of their pictures in them, are removed.
ENV FSL_RUN_DAYS=90 FSL_PICTURE_DAYS=14
VOLUME ["/data", "/app/checkpoints/saved"]
USER lab

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# Inside its container the server must listen to more than loopback; -p decides what the host lets in.
CMD ["fsl", "app", "--server.address", "0.0.0.0", "--server.port", "8501"]
