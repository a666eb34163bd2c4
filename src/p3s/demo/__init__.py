"""The demo: a simulated data acquisition and the payloads that watch it; needs the extra p3s[demo]."""
