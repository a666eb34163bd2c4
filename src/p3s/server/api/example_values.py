"""Names and moments that examples share."""

JOB = "019ab1c2-7d3e-7f00-8a11-5c2f9d0e4b66"
PILOT = "3f2b8c1e-5a57-4b0e-9d3c-2f61a7c4e810"
DATASET = "7c0d4a52-9e11-4c55-8f0a-6b2d1e93aa07"
SECRET = "Zp3kQ0s8vT1uXyB4"
AT = 1795413600.0
WORKFLOW = "3f1d5c0e-6d3b-4d52-9c1a-7a4f1c2b9e10"
