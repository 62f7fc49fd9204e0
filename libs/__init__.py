"""What all services stand on: the published words (`contracts`) and the runtime (`chassis`)."""
