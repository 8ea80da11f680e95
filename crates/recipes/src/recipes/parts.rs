//! What every system of one generator `g` and one discriminator `d` writes alike. Which of them is updated
//! when, and on what, is each recipe's own.

/// The functions of [`Recipe`](crate::Recipe) that name the parts of a recipe with the fields `g` and `d`.
macro_rules! parts {
    () => {
        fn networks(&self) -> Vec<(&'static str, &dyn detach_nn::Network)> {
            vec![("generator", self.g.best()), ("discriminator", &*self.d)]
        }

        fn optimisers(&mut self) -> Vec<(&'static str, &mut detach_nn::Optimiser)> {
            vec![("g", self.g.optimiser_mut()), ("d", self.d.optimiser_mut())]
        }

        fn sampler(&self) -> &dyn crate::Sampler {
            &self.g
        }

        fn answers(&self, batch: &crate::Batch) -> Option<detach_tensor::Tensor> {
            let mode = detach_nn::Mode::eval();
            Some(crate::Discriminator::answers(&self.d.net, batch, mode).detach())
        }
    };
}

/// The state of a recipe that is its `g` and its `d`, and nothing else.
macro_rules! state {
    ($recipe:ty $(, $parameter:ident)?) => {
        impl$(<$parameter>)? detach_nn::State for $recipe {
            fn visit<'a>(
                &'a self,
                path: detach_nn::Name<'_>,
                f: &mut dyn FnMut(detach_nn::Name<'_>, detach_nn::Slot<'a>),
            ) {
                self.g.visit(path.dot("generator"), f);
                self.d.visit(path.dot("discriminator"), f);
            }
        }
    };
}
