"""`python -m p3s` is the command `p3s`."""

from p3s.cli.main import main

if __name__ == "__main__":
    main()
