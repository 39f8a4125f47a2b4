"""What a job may spend: dollars and hours, and whether the next seed still fits."""
