"""What people do about findings: pure values and decisions, without database, clock or framework."""
