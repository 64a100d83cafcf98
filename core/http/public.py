"""The few addresses that need no log-in; a test walks all others."""

PUBLIC_PATHS = frozenset(
    {
        "/",
        "/login",
        "/console",
        "/desk",
        "/network",
        "/supervise",
        "/openapi.json",
        "/api/login",
        "/api/login/refresh",
        "/api/health",
        "/problems/{slug}",
    }
)
"""Pages hold no data of their own; what they show comes through routes that ask for rights."""
