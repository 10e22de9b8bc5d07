"""What status, releases and history look like. Each takes an answer of the control API as JSON and gives rich text; pure."""
