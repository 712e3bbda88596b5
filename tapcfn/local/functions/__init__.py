"""What Lambda's Python brings besides boto3; this folder is on the path of functions alone."""
