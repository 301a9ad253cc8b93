"""What a program that calls Evenkeel needs: `from evenkeel.client import Client`."""
