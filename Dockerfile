# The one image of ours: web, worker and migrate start from it, as user 10001.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /app
COPY requirements.txt .
RUN python3 -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY . .
# The settings want names that only running needs; nothing of these values stays in the image.
RUN DEBUG=false SECRET_KEY=collectstatic-only DATABASE_URL=sqlite://:memory: \
    /venv/bin/python manage.py collectstatic --noinput \
    && /venv/bin/python -m compileall -q config instances

FROM ${BASE}
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DEBUG=false
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
RUN groupadd --gid 10001 elementdesk \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin elementdesk \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/elementdesk
USER 10001:10001
EXPOSE 8000
# A setting that is not safe stops the start, with a sentence in the log.
CMD ["sh", "-c", "python manage.py check --deploy --fail-level WARNING && exec gunicorn config.wsgi --bind 0.0.0.0:8000 --worker-class gthread --workers ${WEB_CONCURRENCY:-2} --threads 8 --worker-tmp-dir /dev/shm --no-control-socket --graceful-timeout 20 --keep-alive 0"]
