# One image; the command chooses: `web`, `worker`, `migrate` or `up`.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make git npm && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/shelftide
COPY . .
RUN make assets && find . -name '__pycache__' -prune -exec rm -rf {} +

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 shelftide
COPY --from=build --chown=shelftide /srv/shelftide /srv/shelftide
WORKDIR /srv/shelftide
USER shelftide
ENV PATH=/srv/shelftide/.venv/bin:$PATH PYTHONUNBUFFERED=1 SHELFTIDE_HOST=0.0.0.0
EXPOSE 8020
HEALTHCHECK --interval=10s CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8020/health')"
ENTRYPOINT ["infra/entrypoint.sh"]
CMD ["up"]
