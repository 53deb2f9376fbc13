"""Values as text: strings out, nothing printed."""
