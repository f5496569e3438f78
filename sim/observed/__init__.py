"""What was measured on real systems: runs of a campaign; logs, histories, metrics and traces of users."""
