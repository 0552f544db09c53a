FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 DATA_DIR=/data
WORKDIR /app
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
COPY . .
# Neither step needs a database or a key: an address that is never opened keeps the embedded server away.
RUN useradd --system --home /data recourse && install -d -o recourse /data \
 && export DATABASE_URL=postgresql:///unused EMBEDDED=1 \
 && python manage.py compile_translations && python manage.py collectstatic --no-input \
 && rm -f /data/keys.json && chown -R recourse /data
USER recourse
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", "--workers", "2", "--blocking-threads", "1", "--respawn-failed-workers", "marketplace.wsgi:application"]
