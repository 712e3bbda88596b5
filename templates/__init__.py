"""What is deployed: layers make templates, blueprints make rollouts of them."""
