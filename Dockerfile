# The compiler that rust-toolchain.toml names.
FROM rust:1.95.0-bookworm AS build
WORKDIR /build
COPY . .
# The caches spare the next build the dependencies. Our own code is never taken from them, whatever its files' times
# say.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    touch src/lib.rs src/main.rs \
    && cargo build --release --locked \
    && cp target/release/optin /usr/local/bin/optin

FROM debian:bookworm-slim
# The certificates are for TLS to the database and to the mail relay. /keys is for the key ring: a volume that is
# mounted there belongs, when it is new, to the user that Optin runs as.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 10001 -g 10001 -m 700 /keys
COPY --from=build /usr/local/bin/optin /usr/local/bin/optin
# optin.toml is looked for here.
WORKDIR /etc/optin
USER 10001:10001
# Reachable from outside the container. All other settings, secrets above all, come when it is run.
ENV OPTIN_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["optin"]
CMD ["serve"]
