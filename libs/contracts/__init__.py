"""The words of Quartermaster: every message that another system may rely on. Pydantic only; imports nothing of ours."""
