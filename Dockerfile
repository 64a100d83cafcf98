# The product's one image: web, ingest, worker and the preparation before them differ only in their command.

FROM node:20-bookworm-slim AS pages
WORKDIR /build
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.11-slim-bookworm
# The broker's image runs Mosquitto under this number; sharing it lets both read the broker's folder and nobody else.
RUN useradd --uid 1883 --user-group --home-dir /srv/mainline --shell /usr/sbin/nologin mainline \
    && mkdir -p /srv/mainline /var/lib/mainline/broker \
    && chown 1883:1883 /var/lib/mainline/broker
WORKDIR /srv/mainline
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/srv/mainline UV_PYTHON_DOWNLOADS=never
COPY requirements.txt requirements-uv.txt ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements-uv.txt \
    && uv pip sync --system --no-cache --require-hashes --compile-bytecode requirements.txt requirements-uv.txt
COPY alembic.ini ./
COPY migrations/ migrations/
COPY core/ core/
COPY gis/ gis/
COPY hotline/ hotline/
COPY tracker/ tracker/
COPY dispatch/ dispatch/
COPY fieldapp_api/ fieldapp_api/
COPY maps/ maps/
COPY app/ app/
COPY --from=pages /build/dist/ pages/
USER 1883:1883
CMD ["python", "-m", "app.main"]
