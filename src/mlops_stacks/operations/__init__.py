"""What each command does, apart from talking to a person: the command line is one caller, tests and CI are others."""
