"""Figures: plain data to plotly. Imports no torch and no Streamlit."""
