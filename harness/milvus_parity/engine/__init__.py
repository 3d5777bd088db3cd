"""Runs cases through targets: plan, build, schedule, execute. Tells what happens as events."""
