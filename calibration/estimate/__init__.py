"""What a first estimate in closed form is judged by: deployments drawn at random, and what is true of them."""
