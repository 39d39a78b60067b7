"""Plain types shared by the blueprint, the components and the runtime. No pulumi, no pydantic.

They are `typing_extensions.TypedDict`s because both the Pulumi component host and pydantic read those.
"""
