"""For people who work on this project: lab, toolchain, benchmarks, scripts. Only tests import it."""
