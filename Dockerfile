FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
# The certificates are for TLS to the database and to the mail relay.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home optin
COPY --from=build /build/target/release/optin /usr/local/bin/optin
USER optin
# Reachable from outside the container. All other settings, secrets above all, come when it is run.
ENV OPTIN_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["optin"]
CMD ["serve"]
